CREATE TABLE IF NOT EXISTS orders (
    id int PRIMARY KEY,
    customer text NOT NULL,
    ordered_at text
);
CREATE TABLE IF NOT EXISTS order_items (
    order_id int NOT NULL REFERENCES orders,
    _index int NOT NULL,
    sku text NOT NULL,
    price numeric NOT NULL CHECK (price >= 0),
    PRIMARY KEY (order_id, _index)
);
CREATE TABLE IF NOT EXISTS order_tags (
    order_id int NOT NULL REFERENCES orders,
    value text NOT NULL,
    PRIMARY KEY (order_id, value)
);
