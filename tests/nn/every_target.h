// Runs a test's body once for every instruction set that this processor has and the kernels are compiled for.
#pragma once

#include <gtest/gtest.h>

#include "hwy/targets.h"

namespace frugal {

template <class Body>
void for_every_target(Body&& body) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().DeInit();  // so that the next dispatch chooses anew
    body();
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().DeInit();
  }
}

}  // namespace frugal
