#include "run/model_formats.h"

#include <string>

#include "graph/model_file.h"
#include "interop/onnx_import.h"

namespace frugal {

void add_model_formats() {
  add_model_format(".onnx", [](const std::string& path) { return write_model(read_onnx(path).graph); });
}

}  // namespace frugal
