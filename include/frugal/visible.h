// Marks what users of the shared library may see; all else in it is hidden.
#pragma once

#define FRUGAL_VISIBLE [[gnu::visibility("default")]]
