CREATE TABLE IF NOT EXISTS customers (
    id int NOT NULL,
    name text NOT NULL,
    city text,
    valid_from timestamp NOT NULL,
    valid_to timestamp,
    is_current boolean NOT NULL,
    PRIMARY KEY (id, valid_from)
);
CREATE UNIQUE INDEX IF NOT EXISTS customers_current ON customers (id)
    WHERE is_current;
