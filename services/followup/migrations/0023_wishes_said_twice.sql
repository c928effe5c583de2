-- What somebody says on their page stands before what they noted at the gathering, a withdrawal included.
alter table wish add wished bool not null default true;
