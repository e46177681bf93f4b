#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "base/error.h"
#include "nn/engine.h"
#include "nn/onednn.h"

namespace frugal {
namespace {

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) {
      const size_t colon = line.find(": ");
      if (colon != std::string::npos) return line.substr(colon + 2);
    }
  }
  return "unknown processor";
}

/// The smallest quota of the cgroup (version 2) that we are in and of those above it; infinite without one.
double cgroup_processors() {
  double limit = HUGE_VAL;
  std::ifstream membership("/proc/self/cgroup");
  for (std::string line; std::getline(membership, line);) {
    if (!line.starts_with("0::/")) continue;
    for (std::string path = line.substr(3);; path.resize(path.rfind('/'))) {
      std::ifstream file("/sys/fs/cgroup" + path + "/cpu.max");
      double quota = 0, period = 0;
      if (file >> quota >> period && period > 0) limit = std::min(limit, quota / period);
      if (path.empty() || path.rfind('/') == std::string::npos) break;
    }
  }
  return limit;
}

int usable_threads() {
  cpu_set_t set;
  int count = static_cast<int>(std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof set, &set) == 0) count = CPU_COUNT(&set);
  const double quota = cgroup_processors();
  if (quota < count) count = static_cast<int>(std::ceil(quota));
  return std::max(count, 1);
}

}  // namespace

MachineInfo machine_info() {
  static const MachineInfo info = [] {
    MachineInfo machine;
    machine.processor = processor_name();
    machine.threads = usable_threads();
    // What oneDNN will use, which its environment variables may lower.
    const auto isa = dnnl::get_effective_cpu_isa();
    const auto at_least = [&](dnnl::cpu_isa wanted) {
      return (static_cast<unsigned>(isa) & static_cast<unsigned>(wanted)) == static_cast<unsigned>(wanted);
    };
    if (at_least(dnnl::cpu_isa::avx512_core_amx)) {
      machine.instruction_set = "AMX bf16";
    } else if (at_least(dnnl::cpu_isa::avx512_core_bf16)) {
      machine.instruction_set = "AVX-512 bf16";
    } else if (at_least(dnnl::cpu_isa::avx512_core)) {
      machine.instruction_set = "AVX-512";
    } else if (at_least(dnnl::cpu_isa::avx2)) {
      machine.instruction_set = "AVX2";
    } else {
      machine.instruction_set = "SSE";
    }
    machine.bf16 = at_least(dnnl::cpu_isa::avx512_core_bf16);
    const dnnl_version_t* version = dnnl_version();
    std::ostringstream text;
    text << version->major << '.' << version->minor << '.' << version->patch;
    machine.onednn = text.str();
    return machine;
  }();
  return info;
}

Precision choose_precision(const std::string& asked) {
  const MachineInfo machine = machine_info();
  if (asked == "auto") return machine.bf16 ? Precision::bf16 : Precision::fp32;
  if (asked == "fp32") return Precision::fp32;
  if (asked != "bf16") throw usage_error("--precision: '" + asked + "' is none of auto, bf16, fp32");
  if (!machine.bf16) {
    throw usage_error("--precision bf16: this processor (" + machine.processor +
                      ") has neither AMX nor AVX512-BF16; use --precision fp32 or auto");
  }
  return Precision::bf16;
}

BatchNormMode choose_batch_norm(const std::string& asked) {
  if (asked == "ghost") return BatchNormMode::ghost;
  if (asked == "sync") return BatchNormMode::sync;
  throw usage_error("--batch-norm: '" + asked + "' is neither ghost nor sync");
}

}  // namespace frugal
