// The verified files of a data set: given by the user, left by an earlier attempt, or downloaded from the
// first mirror that has them.
#pragma once

#include <filesystem>
#include <string>

#include "data/fetch.h"

namespace frugal {

class Obtainer {
 public:
  /// All that is passed in outlives it. `downloads` is where parts and archives are kept. Options that do not
  /// go together are usage errors.
  Obtainer(const DataSource& source, const FetchOptions& options, std::filesystem::path downloads,
           const StopFlag& stop, FetchObserver& observer);

  /// Where the file is, with the checksums that it should have.
  std::filesystem::path obtain(const RemoteFile& file);

  /// "; so much is kept there", for the end of a message; empty where nothing is.
  std::string kept() const;

 private:
  std::string obtain_from(const std::string& url, const RemoteFile& file);
  std::filesystem::path given(const RemoteFile& file) const;
  std::string given_url(const RemoteFile& file) const;
  Checksums expected(const RemoteFile& file) const;

  const DataSource& source_;
  const FetchOptions& options_;
  std::filesystem::path downloads_;
  const StopFlag& stop_;
  FetchObserver& observer_;
};

}  // namespace frugal
