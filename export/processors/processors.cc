#include "export/processors/processors.h"

#include <algorithm>

#include "export/processors/condition.h"
#include "export/processors/options.h"

namespace spanbeat {
namespace {

using Steps = std::vector<std::unique_ptr<Processor>>;
// if / then / else inside each other, whatever the file says.
constexpr int kMaxBranchDepth = 32;

// `when`
class WhenStep final : public Processor {
 public:
  WhenStep(std::unique_ptr<Condition> condition, std::unique_ptr<Processor> step)
      : condition_(std::move(condition)), step_(std::move(step)) {}
  Outcome run(Value& document) override {
    if (!condition_->check(document)) return {};
    return step_->run(document);
  }
  void begin(const ProcessorEnvironment& environment) override { step_->begin(environment); }

 private:
  std::unique_ptr<Condition> condition_;
  std::unique_ptr<Processor> step_;
};

// `if / then / else`. Unlike the list that it stands in, a branch stops at its first failure.
class BranchStep final : public Processor {
 public:
  BranchStep(std::unique_ptr<Condition> condition, Steps then, Steps otherwise)
      : condition_(std::move(condition)), then_(std::move(then)), else_(std::move(otherwise)) {}
  Outcome run(Value& document) override {
    for (const auto& step : condition_->check(document) ? then_ : else_) {
      const Outcome outcome = step->run(document);
      if (outcome.failed || outcome.verdict == Verdict::drop) return outcome;
    }
    return {};
  }
  void begin(const ProcessorEnvironment& environment) override {
    for (const auto& step : then_) step->begin(environment);
    for (const auto& step : else_) step->begin(environment);
  }

 private:
  std::unique_ptr<Condition> condition_;
  Steps then_;
  Steps else_;
};

class ChainCompiler {
 public:
  explicit ChainCompiler(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  // A list of processors, or a single one.
  void compile_list(const Setting& list, const std::string& key, int depth, Steps& steps) {
    if (list.is_null()) return;
    if (!list.is_list()) {
      compile_entry(list, key, depth, steps);
      return;
    }
    for (std::size_t i = 0; i < list.list().size(); ++i) {
      compile_entry(list.list()[i], key + "." + std::to_string(i), depth, steps);
    }
  }

 private:
  void compile_entry(const Setting& entry, const std::string& key, int depth, Steps& steps) {
    if (depth > kMaxBranchDepth) {
      diagnostics_.error(entry, key, "if / then / else is nested more than 32 deep");
      return;
    }
    if (!entry.is_map()) {
      diagnostics_.error(entry, key, "expected a processor with its options, found " + entry.describe());
      return;
    }
    if (entry.member("if") != nullptr) {
      compile_branch(entry, key, depth, steps);
      return;
    }
    if (entry.map().size() != 1) {
      std::string found;
      for (const auto& [name, value] : entry.map()) found += (found.empty() ? "" : ",") + name;
      diagnostics_.error(entry, key,
                         "each processor must have exactly one action, but found " +
                             std::to_string(entry.map().size()) + " actions (" + found +
                             "); begin each with a dash of its own");
      return;
    }
    const auto& [name, options] = entry.map().front();
    compile_action(entry, name, options, key + "." + name, steps);
  }

  void compile_action(const Setting& entry, const std::string& name, const Setting& written, const std::string& key,
                      Steps& steps) {
    const auto& kinds = processor_kinds();
    const auto kind =
        std::find_if(kinds.begin(), kinds.end(), [&](const ProcessorKind& one) { return one.name == name; });
    if (kind == kinds.end()) {
      std::string valid;
      for (const ProcessorKind& one : kinds) valid += (valid.empty() ? "" : ", ") + std::string(one.name);
      diagnostics_.error(written.place.line != 0 ? written : entry, key,
                         "the processor action " + name + " does not exist. Valid actions: " + valid);
      return;
    }
    static const Setting kNoOptions = Setting::of_map();
    if (!written.is_map() && !written.is_null()) {
      diagnostics_.error(written, key, "expected a map of options, found " + written.describe());
      return;
    }
    const Setting& section = written.is_null() ? kNoOptions : written;

    std::unique_ptr<Condition> condition;
    if (const Setting* when = section.member("when")) {
      condition = Condition::create(*when, key + ".when", diagnostics_);
      if (!condition) return;
    }
    if (kind->make == nullptr) {
      diagnostics_.warn(written.place.line != 0 ? written : entry, key, "not built yet, skipped");
      return;
    }
    if (!check_options(*kind, written.place.line != 0 ? written : entry, section, key)) return;

    ProcessorOptions options(section, key, diagnostics_);
    options.reader.known("when");
    for (const std::string_view allowed : kind->allowed) options.reader.known(allowed);
    std::unique_ptr<Processor> step = kind->make(options);
    if (kind->allowed.empty()) options.reader.warn_unknown();
    if (!step) return;
    if (condition) step = std::make_unique<WhenStep>(std::move(condition), std::move(step));
    steps.push_back(std::move(step));
  }

  bool check_options(const ProcessorKind& kind, const Setting& where, const Setting& section, const std::string& key) {
    bool good = true;
    for (const std::string_view required : kind.required) {
      if (section.member(required) != nullptr) continue;
      diagnostics_.error(where, key, "missing " + std::string(required) + " option in " + key);
      good = false;
    }
    if (kind.allowed.empty()) return good;
    for (const auto& [name, value] : section.map()) {
      if (name == "when" || std::find(kind.allowed.begin(), kind.allowed.end(), name) != kind.allowed.end()) continue;
      std::string valid;
      for (const std::string_view one : kind.allowed) valid += std::string(one) + ", ";
      diagnostics_.error(value.place.line != 0 ? value : where, key,
                         "unexpected " + name + " option in " + key + "; it takes " + valid + "when");
      good = false;
    }
    return good;
  }

  void compile_branch(const Setting& entry, const std::string& key, int depth, Steps& steps) {
    for (const auto& [name, value] : entry.map()) {
      if (name == "if" || name == "then" || name == "else") continue;
      diagnostics_.error(value, key, "unexpected " + name + " beside if; write only if, then and else here");
    }
    std::unique_ptr<Condition> condition = Condition::create(*entry.member("if"), key + ".if", diagnostics_);
    const Setting* then = entry.member("then");
    if (then == nullptr || then->is_null()) {
      diagnostics_.error(entry, key, "failed to make if/then/else processor: missing then; write what is to be done");
      return;
    }
    Steps then_steps;
    Steps else_steps;
    compile_list(*then, key + ".then", depth + 1, then_steps);
    if (const Setting* otherwise = entry.member("else")) {
      compile_list(*otherwise, key + ".else", depth + 1, else_steps);
    }
    if (!condition || (then_steps.empty() && else_steps.empty())) return;
    steps.push_back(std::make_unique<BranchStep>(std::move(condition), std::move(then_steps), std::move(else_steps)));
  }

  Diagnostics& diagnostics_;
};

}  // namespace

std::unique_ptr<ProcessorChain> ProcessorChain::create(const Setting* list, std::string prefix,
                                                       Diagnostics& diagnostics) {
  if (list == nullptr) return nullptr;
  const auto errors = [&] {
    return std::count_if(diagnostics.findings().begin(), diagnostics.findings().end(),
                         [](const Diagnostics::Finding& finding) { return finding.error; });
  };
  const auto before = errors();
  auto chain = std::make_unique<ProcessorChain>();
  ChainCompiler(diagnostics).compile_list(*list, prefix, 0, chain->steps_);
  if (chain->empty() || errors() != before) return nullptr;
  return chain;
}

void ProcessorChain::begin(const ProcessorEnvironment& environment) const {
  for (const auto& step : steps_) step->begin(environment);
}

Verdict ProcessorChain::run(Value& document, Counters& counters) const {
  for (const auto& step : steps_) {
    const Processor::Outcome outcome = step->run(document);
    if (outcome.failed) counters.add(Counter::processor_failures);
    if (outcome.verdict == Verdict::drop) return Verdict::drop;
  }
  return Verdict::keep;
}

}  // namespace spanbeat
