-- One service's database, after `create database {database} owner {owner}`; run inside it.
-- {owner} owns the schema and runs the migrations. {service} reads and writes rows and can do nothing else.
revoke all on database {database} from public;
grant connect, temporary on database {database} to {service};
revoke all on schema public from public;
alter schema public owner to {owner};
grant usage on schema public to {service};
alter default privileges for role {owner} in schema public grant select, insert, update, delete on tables to {service};
alter default privileges for role {owner} in schema public grant usage, select on sequences to {service};
