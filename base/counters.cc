#include "base/counters.h"

namespace spanbeat {

const std::array<CounterInfo, kCounters> kCounterInfo = {{
#define SPANBEAT_COUNTER(name, unit, meaning) {#name, unit, meaning},
#include "base/counters.def"
#undef SPANBEAT_COUNTER
}};

}  // namespace spanbeat
