#include "decoders/registry.h"

#include "decoders/registry_includes.gen.h"

namespace spanbeat {
namespace {

template <typename Class, typename Config>
RegisteredDecoder entry() {
  return {Class::kInfo.name, &Class::kInfo,
          [](SettingReader& reader) -> std::shared_ptr<const DecoderConfig> {
            auto config = std::make_shared<Config>();
            read_settings(reader, *config);
            Class::check(reader, *config);
            return config;
          },
          [](std::shared_ptr<const DecoderConfig> config) -> std::unique_ptr<Decoder> {
            return std::make_unique<Class>(std::static_pointer_cast<const Config>(std::move(config)));
          }};
}

}  // namespace

std::span<const RegisteredDecoder> registered_decoders() {
  static const RegisteredDecoder kDecoders[] = {
#define SPANBEAT_DECODER(folder, Class) entry<Class, Class##Config>(),
#include "decoders/registry.def"
#undef SPANBEAT_DECODER
  };
  return kDecoders;
}

}  // namespace spanbeat
