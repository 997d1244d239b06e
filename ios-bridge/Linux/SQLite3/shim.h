/* Stands in for the SQLite3 module of Apple's systems. */
#include <sqlite3.h>
