/* src/main.c: one binary; what it does is a row of the command table in src/cli. */
int
main(void)
{
    return 0;
}
