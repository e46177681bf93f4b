# Files as a C++ source: cmake -DOUT=report_assets.cc -DFILES="a;b" -P tools/embed.cmake
set(arrays "")
set(cases "")
set(number 0)
foreach(file IN LISTS FILES)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  get_filename_component(name ${file} NAME)
  string(APPEND arrays "const unsigned char file_${number}[] = {${bytes}};\n")
  string(APPEND cases
    "  if (name == \"${name}\") return {reinterpret_cast<const char*>(file_${number}), sizeof file_${number}};\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "// Made by tools/embed.cmake.
#include \"eval/report_assets.h\"

namespace frugal {
namespace {

${arrays}
}  // namespace

std::string_view report_asset(std::string_view name) {
${cases}  return {};
}

}  // namespace frugal
")
