#include "export/processors/geoip.h"

#include <arpa/inet.h>
#include <maxminddb.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

#include "export/processors/access.h"

namespace spanbeat {
namespace {

using Entry = MMDB_entry_s;

template <typename... Names>
bool value_of(Entry& entry, MMDB_entry_data_s& data, Names... names) {
  return MMDB_get_value(&entry, &data, names..., nullptr) == MMDB_SUCCESS && data.has_data;
}

// Adds a text of the database, if it is there, as `name` of the object.
template <typename... Names>
void add_text(Entry& entry, Value& object, std::string_view name, Names... names) {
  MMDB_entry_data_s data{};
  if (!value_of(entry, data, names...) || data.type != MMDB_DATA_TYPE_UTF8_STRING) return;
  object.make(name) = Value::of_string(std::string(data.utf8_string, data.data_size));
}

template <typename... Names>
bool number_of(Entry& entry, double& number, Names... names) {
  MMDB_entry_data_s data{};
  if (!value_of(entry, data, names...)) return false;
  if (data.type == MMDB_DATA_TYPE_DOUBLE) {
    number = data.double_value;
    return true;
  }
  if (data.type == MMDB_DATA_TYPE_FLOAT) {
    number = static_cast<double>(data.float_value);
    return true;
  }
  return false;
}

// ECS geo.*, from the editions City and Country.
void read_place(Entry& entry, Value& geo) {
  add_text(entry, geo, "continent_code", "continent", "code");
  add_text(entry, geo, "continent_name", "continent", "names", "en");
  add_text(entry, geo, "country_iso_code", "country", "iso_code");
  add_text(entry, geo, "country_name", "country", "names", "en");
  add_text(entry, geo, "city_name", "city", "names", "en");
  add_text(entry, geo, "postal_code", "postal", "code");
  add_text(entry, geo, "timezone", "location", "time_zone");
  add_text(entry, geo, "region_name", "subdivisions", "0", "names", "en");
  add_text(entry, geo, "region_iso_code", "subdivisions", "0", "iso_code");
  // ISO 3166-2 has the country in front.
  Value* region = geo.member("region_iso_code");
  const Value* country = geo.member("country_iso_code");
  if (region != nullptr && country != nullptr) *region = Value::of_string(country->string() + "-" + region->string());
  double latitude = 0;
  double longitude = 0;
  if (number_of(entry, latitude, "location", "latitude") && number_of(entry, longitude, "location", "longitude")) {
    Value location = Value::of_object();
    location.make("lat") = Value::of_double(latitude);
    location.make("lon") = Value::of_double(longitude);
    geo.make("location") = std::move(location);
  }
}

// ECS as.*, from the edition ASN.
void read_owner(Entry& entry, Value& owner) {
  MMDB_entry_data_s data{};
  if (value_of(entry, data, "autonomous_system_number") && data.type == MMDB_DATA_TYPE_UINT32) {
    owner.make("number") = Value::of_unsigned(data.uint32);
  }
  Value organization = Value::of_object();
  add_text(entry, organization, "name", "autonomous_system_organization");
  if (!organization.object().empty()) owner.make("organization") = std::move(organization);
}

class Database {
 public:
  Database() = default;
  ~Database() {
    if (open_) MMDB_close(&database_);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  bool open(const std::string& file, std::string& problem) {
    const int status = MMDB_open(file.c_str(), MMDB_MODE_MMAP, &database_);
    open_ = status == MMDB_SUCCESS;
    if (!open_) {
      problem = file + ": " + MMDB_strerror(status);
      if (status == MMDB_IO_ERROR) problem += std::string(": ") + std::strerror(errno);
    }
    return open_;
  }

  [[nodiscard]] bool find(const sockaddr* address, Entry& entry) {
    int status = MMDB_SUCCESS;
    MMDB_lookup_result_s found = MMDB_lookup_sockaddr(&database_, address, &status);
    if (status != MMDB_SUCCESS || !found.found_entry) return false;
    entry = found.entry;
    return true;
  }

 private:
  MMDB_s database_{};
  bool open_ = false;
};

bool parse_address(const std::string& text, sockaddr_storage& address) {
  auto* four = reinterpret_cast<sockaddr_in*>(&address);
  if (inet_pton(AF_INET, text.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    return true;
  }
  auto* six = reinterpret_cast<sockaddr_in6*>(&address);
  if (inet_pton(AF_INET6, text.c_str(), &six->sin6_addr) != 1) return false;
  six->sin6_family = AF_INET6;
  return true;
}

class GeoIp final : public Processor {
 public:
  explicit GeoIp(std::vector<std::unique_ptr<Database>> databases) : databases_(std::move(databases)) {}

  Outcome run(Value& document) override {
    for (const char* end : {"source", "destination", "client", "server"}) {
      Value* fields = document.member(end);
      const Value* ip = fields != nullptr ? fields->member("ip") : nullptr;
      sockaddr_storage address{};
      if (ip == nullptr || !ip->is_string() || !parse_address(ip->string(), address)) continue;
      Value geo = Value::of_object();
      Value owner = Value::of_object();
      for (const auto& database : databases_) {
        Entry entry{};
        if (!database->find(reinterpret_cast<const sockaddr*>(&address), entry)) continue;
        read_place(entry, geo);
        read_owner(entry, owner);
      }
      if (!geo.object().empty()) fields->make("geo") = std::move(geo);
      if (!owner.object().empty()) fields->make("as") = std::move(owner);
    }
    return {};
  }

 private:
  std::vector<std::unique_ptr<Database>> databases_;
};

}  // namespace

std::unique_ptr<Processor> make_geoip(const std::vector<std::string>& databases, std::string& problem) {
  std::vector<std::unique_ptr<Database>> opened;
  for (const std::string& file : databases) {
    opened.push_back(std::make_unique<Database>());
    if (!opened.back()->open(file, problem)) return nullptr;
  }
  return std::make_unique<GeoIp>(std::move(opened));
}

}  // namespace spanbeat
