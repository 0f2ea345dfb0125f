#include "export/json/value_output.h"

#include "export/json/tree.h"

namespace spanbeat {

Value tree_value(Bytes tree) {
  ValueTree output;
  TreeScratch scratch;
  TreeWalk walk(output, scratch);
  walk.run(tree);
  return output.take();
}

// Fields come in the order of their names, so an object that exists already is the last member of the one around it.
void ValueOutput::begin(std::size_t field) {
  std::string_view name = kFieldInfo[field].name;
  at_ = &document_;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    const std::string_view segment = name.substr(0, dot);
    name.remove_prefix(dot + 1);
    auto& members = at_->object();
    at_ = !members.empty() && members.back().name == segment ? &members.back().value
                                                             : &at_->append_member(segment, Value::of_object());
  }
  at_ = &at_->append_member(name, Value());
}

}  // namespace spanbeat
