/* replay FILE...: runs a fuzz target once with the bytes of each file. */
#include "fuzz.h"

static int
replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	long n;
	int rc = -1;

	if (f == NULL || fseek(f, 0, SEEK_END) == -1 || (n = ftell(f)) == -1 ||
	    fseek(f, 0, SEEK_SET) == -1)
		goto out;
	data = malloc(n > 0 ? (size_t)n : 1);
	if (data == NULL || fread(data, 1, (size_t)n, f) != (size_t)n)
		goto out;
	(void)printf("# %s\n", path);
	(void)fflush(stdout);
	rc = LLVMFuzzerTestOneInput(data, (size_t)n);
out:
	if (rc != 0)
		perror(path);
	free(data);
	if (f != NULL)
		(void)fclose(f);
	return rc;
}

int
main(int argc, char *argv[])
{
	for (int i = 1; i < argc; i++)
		if (replay(argv[i]) != 0)
			return 1;
	return 0;
}
