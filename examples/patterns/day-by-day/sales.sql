CREATE TABLE IF NOT EXISTS sales (
    day date NOT NULL,
    shop int NOT NULL,
    sale text NOT NULL,
    total numeric(12, 2) NOT NULL
);
CREATE INDEX IF NOT EXISTS sales_by_day ON sales (day);
