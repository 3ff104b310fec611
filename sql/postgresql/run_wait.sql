-- How long to wait for a loader's COMMIT in flight.
SELECT set_config('lock_timeout', '20s', true)
