// The protocols that are built in.
//
// What:   one entry for each line of registry.def: how its settings are read and its decoder is made.
#pragma once

#include <memory>
#include <span>

#include "dataplane/stream/decoder.h"

namespace spanbeat {

struct RegisteredDecoder {
  std::string_view name;
  const DecoderInfo* info;
  // Reads the protocol's own settings; what is wrong goes to the reader's diagnostics.
  std::shared_ptr<const DecoderConfig> (*read)(SettingReader& reader);
  // A decoder for one worker; `config` is what `read` gave.
  std::unique_ptr<Decoder> (*make)(std::shared_ptr<const DecoderConfig> config);
};

// The position in this list plus one is the protocol's ProtocolId.
[[nodiscard]] std::span<const RegisteredDecoder> registered_decoders();

}  // namespace spanbeat
