CREATE TABLE IF NOT EXISTS products (
    sku text PRIMARY KEY,
    name text NOT NULL,
    price numeric(12, 2) NOT NULL,
    attributes json,
    exported_at timestamptz NOT NULL,
    _row_hash text NOT NULL,
    changed_at timestamptz NOT NULL
);
