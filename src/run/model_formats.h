// The formats of other programs that networks can be read from.
#pragma once

namespace frugal {

/// Has ONNX files be models wherever a model is named. Call it once, before any is.
void add_model_formats();

}  // namespace frugal
