// detect_mime_type: the media type of a field's content.
#include <utility>

#include "export/processors/access.h"
#include "export/processors/actions/actions.h"
#include "export/processors/mime.h"

namespace spanbeat {
namespace {

// field, target. A field that is missing, is no text or cannot be told changes nothing.
class DetectMimeType final : public Processor {
 public:
  DetectMimeType(std::string field, std::string target) : field_(std::move(field)), target_(std::move(target)) {}

  Outcome run(Value& document) override {
    const Value* value = document.find(field_);
    if (value == nullptr || !value->is_string()) return {};
    const std::string_view type = detect_mime_type(value->string());
    std::string problem;
    if (type.empty() || put_field(document, target_, Value::of_string(std::string(type)), problem)) return {};
    return failure();
  }

 private:
  std::string field_;
  std::string target_;
};

}  // namespace

std::unique_ptr<Processor> make_detect_mime_type(ProcessorOptions& options) {
  std::string field = options.required_text("field");
  std::string target = options.required_text("target");
  return std::make_unique<DetectMimeType>(std::move(field), std::move(target));
}

}  // namespace spanbeat
