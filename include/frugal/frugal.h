// Everything that frugal offers to other programs. docs/library.md shows how to build with it.
#pragma once

#include "frugal/classifier.h"  // IWYU pragma: export
#include "frugal/dataset.h"     // IWYU pragma: export
#include "frugal/error.h"       // IWYU pragma: export
#include "frugal/image.h"       // IWYU pragma: export
#include "frugal/training.h"    // IWYU pragma: export
