// The project's one exception type lies among the public headers, for users of the library catch it too.
#pragma once

#include "frugal/error.h"
