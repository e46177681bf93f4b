// Schedules over progress: the same curve whatever the number of epochs, or where a clock ends the run.
// Nothing here calls libm but for the square root, which IEEE 754 rounds alike everywhere.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/spec.h"
#include "train/schedule.h"

namespace frugal {

/// p is the progress in [0, 1]. `final` (0 if unsaid, in [0, 1]) is the factor at p = 1, which the step after
/// the last would get.
/// - "linear:final=0": 1 + (final - 1) p, as PyTorch's LinearLR from 1 to `final`
/// - "cosine:restarts=0,mult=1,final=0": half a cosine from 1 to `final` (Loshchilov and Hutter, "SGDR",
/// 2017; CosineAnnealingLR), begun anew `restarts` times, each part `mult` (at least 1) times as long as the
/// one before (CosineAnnealingWarmRestarts). The last part ends with the run
/// - "polynomial:power=2,final=0": final + (1 - final) (1 - p)^power, as PyTorch's PolynomialLR
/// - "rex:final=0": (1 - p) / (1/2 + (1 - p) / 2), scaled to end at `final` (Chen, Wolfe and Kyrillidis,
/// "REX: Revisiting Budgeted Training with an Improved Schedule", 2021)
/// - "wsd:decay=0.2,shape=linear,final=0": 1, and over the last `decay` of the run down to `final`, along a
/// line, a "cosine", or "1-sqrt", 1 less the square root of the decay's part that has passed (Hu et al.,
/// "MiniCPM", 2024; shapes of Haegele et al., "Scaling Laws and Compute-Optimal Training Beyond
/// Fixed Training Durations", 2024). Its warm-up is --warmup
/// - "onecycle:warmup=0.3,div=25,final=10000": OneCycleLR (Smith and Topin, "Super-Convergence", 2018): along
/// cosines from 1 / div to 1, and from `warmup` of the run on to 1 / (div * final). Momentum stays
///
/// Null where `spec` names none of them; values out of range are usage errors.
std::unique_ptr<Schedule> make_progress_schedule(const Spec& spec);

/// Their names, for messages.
const std::vector<std::string>& progress_schedule_names();

}  // namespace frugal
