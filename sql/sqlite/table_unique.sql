SELECT l.seq, i.name
FROM pragma_index_list($2, $1) AS l, pragma_index_info(l.name, $1) AS i
WHERE l."unique" AND NOT l.partial
ORDER BY l.seq, i.seqno
