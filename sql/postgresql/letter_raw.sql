SELECT substring(raw FROM $3::integer FOR $4::integer)
FROM dead_letters
WHERE id = $1 AND attempts = $2
