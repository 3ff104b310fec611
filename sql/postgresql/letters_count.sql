SELECT count(*) FROM dead_letters AS d WHERE true
