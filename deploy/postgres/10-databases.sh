#!/bin/sh
# Runs once, in the database container's first start: one database per service, with its owner and its service role.
set -eu
for service in registration matching followup survey; do
    password=$(printenv "$(echo "$service" | tr '[:lower:]' '[:upper:]')_PASSWORD")
    psql -v ON_ERROR_STOP=1 -U postgres -v owner_password="$OWNER_PASSWORD" -v password="$password" <<SQL
create role ${service}_owner login password :'owner_password';
create role ${service} login password :'password';
create database ${service} owner ${service}_owner;
SQL
    sed "s/{database}/$service/g; s/{owner}/${service}_owner/g; s/{service}/$service/g" \
        /docker-entrypoint-initdb.d/database.sql.in | psql -v ON_ERROR_STOP=1 -U postgres -d "$service"
done
