#include "module/module.h"

#include <stdarg.h>

enum { SHOWN = 60 };            /* bytes of a value in a message */

jv
module_reject(const char *code, const char *fmt, ...)
{
	va_list ap;
	jv message;

	va_start(ap, fmt);
	message = jv_string_vfmt(fmt, ap);
	va_end(ap);
	return jv_invalid_with_msg(JV_OBJECT(jv_string("@etl"),
	    jv_string("reject"), jv_string("code"), jv_string(code),
	    jv_string("message"), message));
}

jv
module_reject_type(const struct module *n, jv v, const char *wanted)
{
	struct buf b;
	jv r;

	buf_init(&b, SHOWN);
	(void)jvalue_write(&b, v, n->numbers, true);
	r = module_reject("type", "%s: %s%s%.*s%s is not %s", n->op->name,
	    jv_kind_name(jv_get_kind(v)), b.failed ? "" : " (",
	    b.failed ? 0 : (int)b.len, b.len > 0 ? b.data : "",
	    b.failed ? "" : ")", wanted);
	buf_release(&b);
	return r;
}
