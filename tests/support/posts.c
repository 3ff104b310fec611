#include "posts.h"

#include <stdint.h>

/* Posts that are odd on purpose, as a real API serves them.
 * Rejects:  13 no title; 27, 34, 77 title under 3 code points; 41 id "abc";
 *           56 body null; 62 no userId, and a terminal escape;
 *           68 is listed as 1068, which has no comments (404).
 * Fine:     3, 5 white space; 8 escapes; 21 emoji; 42 id "42"; 90 a title of
 *           just 3 code points; 95 words with apostrophes. */
static const struct odd {
	unsigned n;
	const char *json;
} odds[] = {
	{ 3, "{\"userId\": 1, \"id\": 3,\n"
	    "    \"title\": \"  ea   molestias\\tquasi \\n exerci  \",\n"
	    "    \"body\": \"  et iusto   sed quo\\r\\niure  \"}" },
	{ 5, "{\"userId\": 1, \"id\": 5,\n"
	    "    \"title\": \"\xc2\xa0nesci\xe2\x80\x83qua\\u3000o\\u00a0\",\n"
	    "    \"body\": \"repu\xe3\x80\x80veniam \xe2\x80\x89 quaerat\"}" },
	{ 8, "{\"userId\": 1, \"id\": 8,\n"
	    "    \"title\": \"dolorem \\u00e9st \\\"quote\\\" a\\\\b c\\/d\",\n"
	    "    \"body\": \"dignissimos\\naperiam \\u0026 dolorem\"}" },
	{ 13, "{\"userId\": 2, \"id\": 13,\n"
	    "    \"body\": \"aut dicta possimus sint mollitia\"}" },
	{ 21, "{\"userId\": 3, \"id\": 21,\n"
	    "    \"title\": \"\xf0\x9f\x9a\x80 launch \\ud83d\\ude00 day\",\n"
	    "    \"body\": \"repellat \xf0\x9f\x9a\x80\\nsaepe\"}" },
	{ 27, "{\"userId\": 3, \"id\": 27, \"title\": \"ok\",\n"
	    "    \"body\": \"eum sed dolores\"}" },
	{ 34, "{\"userId\": 4, \"id\": 34, \"title\": \"\xc3\xa9\\u00df\",\n"
	    "    \"body\": \"ea velit perferendis\"}" },
	{ 41, "{\"userId\": 5, \"id\": \"abc\",\n"
	    "    \"title\": \"non est facere\", \"body\": \"molestias id\"}" },
	{ 42, "{\"userId\": 5, \"id\": \"42\",\n"
	    "    \"title\": \"commodi ullam\", \"body\": \"odio fugit\"}" },
	{ 56, "{\"userId\": 6, \"id\": 56,\n"
	    "    \"title\": \"qui et at rerum\", \"body\": null}" },
	{ 62, "{\"id\": 62, \"title\": \"beatae \\u001b[31mquia\\u0007\",\n"
	    "    \"body\": \"enim aspernatur \\u001b]0;gone\\u0007\"}" },
	{ 68, "{\"userId\": 7, \"id\": 1068,\n"
	    "    \"title\": \"odio quis\", \"body\": \"magnam ut rerum\"}" },
	{ 77, "{\"userId\": 8, \"id\": 77, \"title\": \"  x\\u2003\",\n"
	    "    \"body\": \"modi ut eos\"}" },
	{ 90, "{\"userId\": 9, \"id\": 90,\n"
	    "    \"title\": \"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\",\n"
	    "    \"body\": \"minus omnis soluta\"}" },
	{ 95, "{\"userId\": 10, \"id\": 95,\n"
	    "    \"title\": \"l'\xc3\xa9t\xc3\xa9 o'clock \xc3\xa9" "COLE\",\n"
	    "    \"body\": \"earum voluptatem\"}" },
};

static const char *const words[] = {
	"sunt", "aut", "facere", "repellat", "provident", "occaecati",
	"excepturi", "optio", "reprehenderit", "qui", "est", "esse", "ea",
	"molestias", "quasi", "et", "iusto", "sed", "quo", "iure", "voluptatem",
	"eum", "magnam", "nesciunt", "quas", "odio", "dolorem", "eligendi",
	"natus", "nisi", "ut", "quia", "vitae", "consequatur", "temporibus",
	"cupiditate",
};

static uint32_t
next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

static void
words_put(struct buf *b, uint32_t *seed, unsigned n)
{
	const unsigned all = sizeof(words) / sizeof(words[0]);

	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			buf_char(b, ' ');
		buf_str(b, words[next(seed) % all]);
	}
}

/* Writes a generated post.  From post 101 on, as in real data, some have no
 * title and some have their id as a string. */
static void
plain_put(struct buf *b, unsigned n)
{
	uint32_t seed = n * 2654435761u;
	bool text = n > 100 && n % 20 == 7;
	bool untitled = n > 100 && n % 200 == 0;
	const char *quote = text ? "\"" : "";

	buf_printf(b, "{\n    \"userId\": %u,\n    \"id\": %s%u%s,\n",
	    (n - 1) / 10 + 1, quote, n, quote);
	if (!untitled) {
		buf_str(b, "    \"title\": \"");
		words_put(b, &seed, 3 + next(&seed) % 5);
		buf_str(b, "\",\n");
	}
	buf_str(b, "    \"body\": \"");
	for (unsigned line = 0; line < 4; line++) {
		if (line > 0)
			buf_str(b, "\\n");
		words_put(b, &seed, 5 + next(&seed) % 3);
	}
	buf_str(b, "\"\n  }");
}

void
post_put(struct buf *b, unsigned n)
{
	for (size_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++)
		if (odds[i].n == n) {
			buf_str(b, odds[i].json);
			return;
		}
	plain_put(b, n);
}

void
comment_put(struct buf *b, unsigned n)
{
	uint32_t seed = n * 40503u;

	buf_printf(b, "{\n    \"postId\": %u,\n    \"id\": %u,\n"
	    "    \"name\": \"", (n - 1) / POST_COMMENTS + 1, n);
	words_put(b, &seed, 4);
	buf_printf(b, "\",\n    \"email\": \"%s@example.com\",\n"
	    "    \"body\": \"", words[next(&seed) % 30]);
	words_put(b, &seed, 20);
	buf_str(b, "\"\n  }");
}
