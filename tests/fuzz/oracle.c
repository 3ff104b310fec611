#include "oracle.h"

#include "fuzz.h"

#include <jansson.h>
#include <string.h>

static size_t
add(struct oracle *o, struct oracle_item item)
{
	if (o->n == o->cap) {
		o->cap = o->cap ? o->cap * 2 : 64;
		o->item = realloc(o->item, o->cap * sizeof(*o->item));
		MUST(o->item != NULL);
	}
	item.next = o->n + 1;
	o->item[o->n] = item;
	return o->n++;
}

static void
walk(struct oracle *o, json_t *v)
{
	static const char types[] = {
		[JSON_OBJECT] = 'o', [JSON_ARRAY] = 'a', [JSON_STRING] = 's',
		[JSON_REAL] = 'd', [JSON_TRUE] = 't', [JSON_FALSE] = 'f',
		[JSON_NULL] = 'n'
	};
	size_t at = add(o, (struct oracle_item){
		.type = types[json_typeof(v)], .d = json_real_value(v),
		.p = json_string_value(v), .n = json_string_length(v)
	});

	if (json_is_array(v)) {
		o->item[at].n = json_array_size(v);
		for (size_t i = 0; i < json_array_size(v); i++)
			walk(o, json_array_get(v, i));
	} else if (json_is_object(v)) {
		o->item[at].n = json_object_size(v);
		for (void *i = json_object_iter(v); i != NULL;
		    i = json_object_iter_next(v, i)) {
			const char *key = json_object_iter_key(i);

			(void)add(o, (struct oracle_item){
				.type = 's', .p = key, .n = strlen(key)
			});
			walk(o, json_object_iter_value(i));
		}
	}
	o->item[at].next = o->n;
}

bool
oracle_read(struct oracle *o, const char *text, size_t n)
{
	json_t *v = json_loadb(text, n, JSON_DECODE_ANY | JSON_ALLOW_NUL |
	    JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);

	*o = (struct oracle){ .tree = v };
	if (v != NULL)
		walk(o, v);
	return v != NULL;
}

void
oracle_release(struct oracle *o)
{
	json_decref(o->tree);
	free(o->item);
	*o = (struct oracle){ 0 };
}
