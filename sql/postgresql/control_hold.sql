-- A client that goes silent now would keep its locks for hours.
SELECT set_config('idle_in_transaction_session_timeout', '60s', true)
