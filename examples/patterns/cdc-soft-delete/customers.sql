CREATE TABLE IF NOT EXISTS customers (
    id int PRIMARY KEY,
    name text NOT NULL,
    town text,
    deleted_at timestamp
);
