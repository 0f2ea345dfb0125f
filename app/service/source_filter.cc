#include "app/service/source_filter.h"

#include "dataplane/filter/derived.h"
#include "decoders/registry.h"

namespace spanbeat {

std::vector<std::unique_ptr<Decoder>> make_decoders(const Options& options) {
  std::vector<std::unique_ptr<Decoder>> decoders;
  for (std::size_t i = 0; i < options.decoders.size(); ++i) {
    const auto& config = options.decoders[i];
    decoders.push_back(config == nullptr ? nullptr : registered_decoders()[i].make(config));
  }
  return decoders;
}

std::string source_filter(const Options& options) {
  const GeneralSettings& general = options.general;
  if (!general.packetbeat_interfaces_bpf_filter.empty()) return general.packetbeat_interfaces_bpf_filter;
  const bool all = options.worker.flows.enabled || general.spanbeat_detect_protocols ||
                   !general.packetbeat_interfaces_dumpfile.empty() || !general.packetbeat_interfaces_file.empty();
  return all ? std::string() : derived_filter(make_decoders(options), options.worker.tunnels);
}

}  // namespace spanbeat
