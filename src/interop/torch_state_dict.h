// Which tensors of a PyTorch file are the network's. A file may be the state_dict itself, or a checkpoint
// that holds it beside an optimizer, epochs and averages; names may carry the prefix of a wrapper.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "interop/pickle_value.h"
#include "interop/torch_objects.h"

namespace frugal {

struct TorchStateDict {
  /// "torch.state_dict": the keys that led to it, where there are any; "torch.prefix": what was taken off the
  /// names; and the checkpoint's own numbers and short texts ("epoch").
  std::map<std::string, std::string> metadata;
  std::vector<std::pair<std::string, const TorchTensor*>> tensors;  // in the file's order
};

/// An Error where there is no dictionary of named tensors, or several of which none has a usual name. The
/// tensors belong to `objects`.
TorchStateDict find_state_dict(const Pickle& pickle, const TorchObjects& objects, const std::string& file);

}  // namespace frugal
