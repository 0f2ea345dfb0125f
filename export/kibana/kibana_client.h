// A Kibana that is asked for its version, and given or asked for saved objects (spec/kibana.md section 2).
//
// What:   connect() says whether it is there and of which version; import_objects() and export_dashboard() carry
//         newline-delimited JSON.
// Limits: one thread. A reply that is no success is told with Kibana's own words and what to do.
#pragma once

#include "export/kibana/kibana_options.h"

namespace spanbeat {

class KibanaClient {
 public:
  // The interrupt outlives the client.
  KibanaClient(const KibanaOptions& options, const Interrupt& interrupt);

  [[nodiscard]] std::string url() const { return http_.url(); }
  // Whether the last failure may pass by itself: nobody there, not ready yet, too busy.
  [[nodiscard]] bool may_pass() const { return may_pass_; }

  // Asks for state and version, and refuses a server that is no Kibana or older than the objects' form (7.10).
  [[nodiscard]] bool connect(std::string& version, std::string& problem);
  // Saved objects, a JSON object a line; what is there under the same ids is replaced. `name` names them for Kibana.
  [[nodiscard]] bool import_objects(const std::string& name, std::string_view objects, std::string& problem);
  // A dashboard of that id with every object that it refers to.
  [[nodiscard]] bool export_dashboard(const std::string& id, std::string& objects, std::string& problem);

 private:
  [[nodiscard]] bool accept(const HttpReply& reply, std::string& problem);

  HttpClient http_;
  bool may_pass_ = false;
};

}  // namespace spanbeat
