#include "export/processors/condition.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "export/processors/networks.h"

namespace spanbeat {
namespace {

// Bounds of a condition's own nesting (and, or, not), whatever the file says.
constexpr int kMaxConditionDepth = 64;

using Conditions = std::vector<std::unique_ptr<Condition>>;

// One field and what is asked of its value.
template <typename Check>
struct FieldCheck {
  std::string field;
  Check check;
};

// All of the fields must be there and hold.
template <typename Check>
class FieldsCondition final : public Condition {
 public:
  explicit FieldsCondition(std::vector<FieldCheck<Check>> checks) : checks_(std::move(checks)) {}
  [[nodiscard]] bool check(const Value& document) const override {
    return std::all_of(checks_.begin(), checks_.end(), [&](const FieldCheck<Check>& one) {
      const Value* value = document.find(one.field);
      return value != nullptr && one.check(*value);
    });
  }

 private:
  std::vector<FieldCheck<Check>> checks_;
};

class EqualsCheck {
 public:
  explicit EqualsCheck(Value wanted) : wanted_(std::move(wanted)) {}
  bool operator()(const Value& value) const {
    // An integer is an integer, with a sign or without; the bits are compared as Beats compares them.
    if (wanted_.is_integer()) return value.is_integer() && bits(value) == bits(wanted_);
    return value == wanted_;
  }

 private:
  static std::uint64_t bits(const Value& value) {
    return value.kind() == Value::Kind::integer ? static_cast<std::uint64_t>(value.integer())
                                                : value.unsigned_integer();
  }
  Value wanted_;
};

// Asks something of a text, or of any text of a list.
template <typename Match>
bool any_text(const Value& value, Match match) {
  if (value.is_string()) return match(value.string());
  if (!value.is_array()) return false;
  return std::any_of(value.array().begin(), value.array().end(),
                     [&](const Value& one) { return one.is_string() && match(one.string()); });
}

class ContainsCheck {
 public:
  explicit ContainsCheck(std::string wanted) : wanted_(std::move(wanted)) {}
  bool operator()(const Value& value) const {
    return any_text(value, [this](const std::string& text) { return text.find(wanted_) != std::string::npos; });
  }

 private:
  std::string wanted_;
};

class RegexpCheck {
 public:
  explicit RegexpCheck(std::shared_ptr<const RE2> pattern) : pattern_(std::move(pattern)) {}
  bool operator()(const Value& value) const {
    return any_text(value, [this](const std::string& text) { return RE2::PartialMatch(text, *pattern_); });
  }

 private:
  std::shared_ptr<const RE2> pattern_;
};

struct RangeCheck {
  std::optional<double> gt, gte, lt, lte;
  bool operator()(const Value& value) const {
    double number = 0;
    if (!value.number(number)) return false;
    return (!gt || number > *gt) && (!gte || number >= *gte) && (!lt || number < *lt) && (!lte || number <= *lte);
  }
};

class NetworkCheck {
 public:
  explicit NetworkCheck(NetworkList networks) : networks_(std::move(networks)) {}
  // An address alone; a list of them is of another type (Packetbeat 8.1).
  bool operator()(const Value& value) const {
    IpAddress address;
    return value.is_string() && parse_ip(value.string(), address) && networks_.contains(address);
  }

 private:
  NetworkList networks_;
};

class HasFieldsCondition final : public Condition {
 public:
  explicit HasFieldsCondition(std::vector<std::string> fields) : fields_(std::move(fields)) {}
  [[nodiscard]] bool check(const Value& document) const override {
    return std::all_of(fields_.begin(), fields_.end(),
                       [&](const std::string& field) { return document.find(field) != nullptr; });
  }

 private:
  std::vector<std::string> fields_;
};

class AllCondition final : public Condition {
 public:
  explicit AllCondition(Conditions conditions) : conditions_(std::move(conditions)) {}
  [[nodiscard]] bool check(const Value& document) const override {
    return std::all_of(conditions_.begin(), conditions_.end(), [&](const auto& one) { return one->check(document); });
  }

 private:
  Conditions conditions_;
};

class AnyCondition final : public Condition {
 public:
  explicit AnyCondition(Conditions conditions) : conditions_(std::move(conditions)) {}
  [[nodiscard]] bool check(const Value& document) const override {
    return std::any_of(conditions_.begin(), conditions_.end(), [&](const auto& one) { return one->check(document); });
  }

 private:
  Conditions conditions_;
};

class NotCondition final : public Condition {
 public:
  explicit NotCondition(std::unique_ptr<Condition> condition) : condition_(std::move(condition)) {}
  [[nodiscard]] bool check(const Value& document) const override { return !condition_->check(document); }

 private:
  std::unique_ptr<Condition> condition_;
};

// Compiles one condition and what is inside it. Complaints name the operator's own place.
class Compiler {
 public:
  explicit Compiler(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  std::unique_ptr<Condition> compile(const Setting& setting, const std::string& key, int depth) {
    if (depth > kMaxConditionDepth) return fail(setting, key, "conditions are nested more than 64 deep");
    if (!setting.is_map() || setting.map().empty()) {
      return fail(setting, key, "missing or invalid condition; write one of " + operators());
    }
    if (setting.map().size() != 1) {
      std::string found;
      for (const auto& [name, value] : setting.map()) found += (found.empty() ? "" : ", ") + name;
      return fail(setting, key,
                  "a condition has exactly one operator, here are " + found + "; join them with `and` or `or`");
    }
    const auto& [name, value] = setting.map().front();
    const std::string inner = key + "." + name;
    if (name == "equals") return equals(value, inner);
    if (name == "contains") return contains(value, inner);
    if (name == "regexp") return regexp(value, inner);
    if (name == "range") return range(value, inner);
    if (name == "network") return network(value, inner);
    if (name == "has_fields") return has_fields(value, inner);
    if (name == "and" || name == "or") return junction(value, inner, depth, name == "and");
    if (name == "not") {
      auto condition = compile(value, inner, depth + 1);
      if (!condition) return nullptr;
      return std::make_unique<NotCondition>(std::move(condition));
    }
    return fail(value, inner, "missing or invalid condition; write one of " + operators());
  }

 private:
  using Field = std::pair<std::string, const Setting*>;

  static std::string operators() { return "equals, contains, regexp, range, has_fields, network, and, or, not"; }

  std::nullptr_t fail(const Setting& setting, const std::string& key, const std::string& problem) {
    diagnostics_.error(setting, key, "failed to initialize condition: " + problem);
    return nullptr;
  }

  // The fields under an operator, with their full dotted names: nested maps are as good as dotted keys.
  bool fields_of(const Setting& setting, const std::string& key, std::vector<Field>& out) {
    if (!setting.is_map()) {
      fail(setting, key, "expected fields with their values, found " + setting.describe());
      return false;
    }
    flatten(setting, "", out);
    return true;
  }
  static void flatten(const Setting& setting, const std::string& prefix, std::vector<Field>& out) {
    for (const auto& [name, value] : setting.map()) {
      const std::string field = prefix.empty() ? name : prefix + "." + name;
      if (value.is_map()) {
        flatten(value, field, out);
      } else {
        out.emplace_back(field, &value);
      }
    }
  }

  // Compiles every field under an operator with `make`, which gives nothing after a complaint.
  template <typename Check, typename Make>
  std::unique_ptr<Condition> each_field(const Setting& setting, const std::string& key, Make make) {
    std::vector<Field> fields;
    if (!fields_of(setting, key, fields)) return nullptr;
    std::vector<FieldCheck<Check>> checks;
    for (const auto& [field, value] : fields) {
      std::optional<Check> check = make(*value, key + "." + field);
      if (!check) return nullptr;
      checks.push_back({field, std::move(*check)});
    }
    return std::make_unique<FieldsCondition<Check>>(std::move(checks));
  }

  std::unique_ptr<Condition> equals(const Setting& setting, const std::string& key) {
    return each_field<EqualsCheck>(
        setting, key, [this](const Setting& value, const std::string& inner) -> std::optional<EqualsCheck> {
          switch (value.kind()) {
            case Setting::Kind::boolean:
            case Setting::Kind::integer:
            case Setting::Kind::string:
              return EqualsCheck(Value::of_setting(value));
            default:
              fail(value, inner, "unexpected " + value.describe() + ", only strings, ints, and booleans are allowed");
              return std::nullopt;
          }
        });
  }

  std::unique_ptr<Condition> contains(const Setting& setting, const std::string& key) {
    return each_field<ContainsCheck>(
        setting, key, [this](const Setting& value, const std::string& inner) -> std::optional<ContainsCheck> {
          if (!text_only(value, inner)) return std::nullopt;
          return ContainsCheck(value.string());
        });
  }

  std::unique_ptr<Condition> regexp(const Setting& setting, const std::string& key) {
    return each_field<RegexpCheck>(
        setting, key, [this](const Setting& value, const std::string& inner) -> std::optional<RegexpCheck> {
          if (!text_only(value, inner)) return std::nullopt;
          RE2::Options options;
          options.set_log_errors(false);
          auto pattern = std::make_shared<const RE2>(value.string(), options);
          if (!pattern->ok()) {
            fail(value, inner, "error parsing regexp: " + pattern->error() + ": `" + value.string() + "`");
            return std::nullopt;
          }
          return RegexpCheck(std::move(pattern));
        });
  }

  bool text_only(const Setting& value, const std::string& key) {
    if (value.is_string()) return true;
    fail(value, key, "unexpected " + value.describe() + ", only text is allowed here; put it in quotes");
    return false;
  }

  std::unique_ptr<Condition> range(const Setting& setting, const std::string& key) {
    std::vector<Field> fields;
    if (!fields_of(setting, key, fields)) return nullptr;
    std::vector<FieldCheck<RangeCheck>> checks;
    for (const auto& [name, value] : fields) {
      const std::size_t dot = name.rfind('.');
      const std::string word = name.substr(dot == std::string::npos ? 0 : dot + 1);
      const std::string field = dot == std::string::npos ? std::string() : name.substr(0, dot);
      std::optional<double> RangeCheck::* bound = nullptr;
      if (word == "gt") bound = &RangeCheck::gt;
      if (word == "gte") bound = &RangeCheck::gte;
      if (word == "lt") bound = &RangeCheck::lt;
      if (word == "lte") bound = &RangeCheck::lte;
      if (bound == nullptr || field.empty()) {
        return fail(*value, key + "." + name,
                    "unexpected range operator " + word + "; write FIELD.gt, .gte, .lt or .lte");
      }
      double number = 0;
      if (!number_of(*value, number)) {
        return fail(*value, key + "." + name, "expected a number, found " + value->describe());
      }
      auto at = std::find_if(checks.begin(), checks.end(), [&](const auto& check) { return check.field == field; });
      if (at == checks.end()) at = checks.insert(at, {field, {}});
      at->check.*bound = number;
    }
    return std::make_unique<FieldsCondition<RangeCheck>>(std::move(checks));
  }
  static bool number_of(const Setting& value, double& out) {
    if (value.kind() == Setting::Kind::integer || value.kind() == Setting::Kind::floating) {
      out = value.floating();
      return true;
    }
    if (!value.is_string()) return false;
    const std::string& text = value.string();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
  }

  std::unique_ptr<Condition> network(const Setting& setting, const std::string& key) {
    if (setting.is_map() && setting.map().empty()) return fail(setting, key, "missing or invalid condition");
    return each_field<NetworkCheck>(
        setting, key, [this](const Setting& value, const std::string& inner) -> std::optional<NetworkCheck> {
          NetworkList networks;
          const auto add = [&](const Setting& entry) {
            if (!entry.is_string()) {
              fail(entry, inner, "unexpected " + entry.describe() + ", only networks or lists of networks are allowed");
              return false;
            }
            if (networks.add(entry.string())) return true;
            std::string names;
            for (const std::string& name : NetworkList::names()) names += (names.empty() ? "" : ", ") + name;
            fail(entry, inner,
                 "'" + entry.string() +
                     "' is no network: write an address and a prefix length, like '192.0.2.0/24' or '2001:db8::/32', "
                     "or one of " +
                     names);
            return false;
          };
          if (!value.is_list()) {
            if (!add(value)) return std::nullopt;
          } else {
            for (const Setting& entry : value.list()) {
              if (!add(entry)) return std::nullopt;
            }
          }
          return NetworkCheck(std::move(networks));
        });
  }

  std::unique_ptr<Condition> has_fields(const Setting& setting, const std::string& key) {
    std::vector<std::string> fields;
    if (setting.is_list()) {
      for (const Setting& field : setting.list()) {
        if (field.is_list() || field.is_map() || field.is_null())
          return fail(field, key, "expected a list of field names");
        fields.push_back(field.scalar_text());
      }
    } else if (setting.is_string()) {
      fields.push_back(setting.string());
    } else {
      return fail(setting, key, "expected a list of field names, found " + setting.describe());
    }
    return std::make_unique<HasFieldsCondition>(std::move(fields));
  }

  std::unique_ptr<Condition> junction(const Setting& setting, const std::string& key, int depth, bool all) {
    Conditions conditions;
    if (setting.is_list()) {
      for (std::size_t i = 0; i < setting.list().size(); ++i) {
        auto condition = compile(setting.list()[i], key + "." + std::to_string(i), depth + 1);
        if (!condition) return nullptr;
        conditions.push_back(std::move(condition));
      }
    } else if (setting.is_map()) {  // a single condition is taken as a list of one
      auto condition = compile(setting, key, depth + 1);
      if (!condition) return nullptr;
      conditions.push_back(std::move(condition));
    }
    if (conditions.empty()) return fail(setting, key, "missing or invalid condition; write a list of conditions");
    if (all) return std::make_unique<AllCondition>(std::move(conditions));
    return std::make_unique<AnyCondition>(std::move(conditions));
  }

  Diagnostics& diagnostics_;
};

}  // namespace

std::unique_ptr<Condition> Condition::create(const Setting& setting, const std::string& key, Diagnostics& diagnostics) {
  return Compiler(diagnostics).compile(setting, key, 0);
}

}  // namespace spanbeat
