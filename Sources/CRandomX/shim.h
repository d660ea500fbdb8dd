// RandomX by Debian's librandomx-dev.
#include <randomx.h>
