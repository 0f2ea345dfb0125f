// Benthos 4.27 (MIT) as it is published, with only the components that docs/kafka-to-elasticsearch.yaml names: all of them together take ten
// times as long to build. Nothing of it is ours.
package main

import (
	"context"

	_ "github.com/benthosdev/benthos/v4/public/components/elasticsearch"
	_ "github.com/benthosdev/benthos/v4/public/components/io"
	_ "github.com/benthosdev/benthos/v4/public/components/kafka"
	_ "github.com/benthosdev/benthos/v4/public/components/pure"
	"github.com/benthosdev/benthos/v4/public/service"
)

func main() { service.RunCLI(context.Background()) }
