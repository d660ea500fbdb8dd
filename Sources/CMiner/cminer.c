#include "cminer.h"
