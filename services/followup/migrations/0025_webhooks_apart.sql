-- Each webhook's messages are taken by themselves, so that one that hangs holds no other up.
create index webhook_message_due on webhook_message (webhook_id, next_at) where state = 'queued';
drop index webhook_message_queue;
