// A weights file's description of itself, as the metadata of a safetensors file: text by key.
#pragma once

#include <map>
#include <string>

#include "train/checkpoint.h"

namespace frugal {

using Metadata = std::map<std::string, std::string>;

Metadata to_metadata(const CheckpointInfo& info);

/// Errors name `file` and the key that is missing or broken, the format version that is too new, or that no
/// frugal wrote the file.
CheckpointInfo info_from_metadata(const Metadata& metadata, const std::string& file);

bool is_from_frugal(const Metadata& metadata);

/// Throws where the file's version is newer than ours, or none at all.
int check_format_version(const Metadata& metadata, const std::string& file);

}  // namespace frugal
