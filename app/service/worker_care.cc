#include "app/service/worker_care.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "app/log/log.h"
#include "decoders/registry.h"

namespace spanbeat {

void WorkerCare::leave_out_quarantined(std::vector<std::shared_ptr<const DecoderConfig>>& decoders) const {
  if (timeout_ <= 0) return;
  const auto known = registered_decoders();
  for (const std::string& name : read_quarantine(data_path_)) {
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (known[i].name != name || decoders[i] == nullptr) continue;
      decoders[i].reset();
      log_warn("watchdog", fmt::format("{} is not decoded: its decoder did not come back in an earlier run; remove {} "
                                       "to have it decoded again",
                                       name, quarantine_file(data_path_)));
    }
  }
}

void WorkerCare::look(const std::vector<Worker*>& workers, std::uint64_t dropped, bool watched) {
  const bool loses = dropped != std::exchange(dropped_, dropped);
  for (std::size_t i = 0; i < workers.size(); ++i) {
    workers[i]->output_loses(loses);
    const OverloadLog::Line line = log_.look(i, workers[i]->counters());
    if (!line.text.empty()) log_line(line.worse ? LogLevel::warn : LogLevel::info, "overload", line.text);
    if (watched) watch(workers, i);
  }
}

void WorkerCare::watch(const std::vector<Worker*>& workers, std::size_t number) {
  const Pulse& pulse = workers[number]->pulse();
  const Pulse::Look look = pulse.look();
  const Watchdog::Verdict verdict = watchdog_.look(number, look);
  if (verdict == Watchdog::Verdict::fine) return;
  const std::string_view protocol = registered_decoders()[Pulse::protocol_of(look.place) - 1U].name;
  const std::string place = place_text(pulse, look.place);
  const std::string after = fmt::format("{} s of processor time", timeout_ / kSecond);
  if (verdict == Watchdog::Verdict::stalled) {
    ++stalls_;
    log_error("watchdog",
              fmt::format("the decoder of {} holds worker {} for more than {}, at {}; it is switched off as "
                          "soon as it comes back",
                          protocol, number, after, place));
    for (Worker* worker : workers) worker->pulse().ask(look.place);
    return;
  }
  std::string problem;
  const bool kept = add_to_quarantine(data_path_, protocol, problem);
  log_error("watchdog", fmt::format("the decoder of {} does not come back in worker {}, at {}; ending the program. {}",
                                    protocol, number, place,
                                    kept ? "The next start leaves it out: " + quarantine_file(data_path_)
                                         : "The next start will not know of it: " + problem));
  fmt::print(stderr, "Exiting: the decoder of {} does not come back\n", protocol);
  std::abort();
}

}  // namespace spanbeat
