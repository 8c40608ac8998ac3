// franz-go, a client of its own in Go.
//
//	go run . BOOTSTRAP TOPIC < events     a key, a tab and an event on each line
package main

import (
	"bufio"
	"bytes"
	"context"
	"log"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	client, err := kgo.NewClient(kgo.SeedBrokers(os.Args[1]), kgo.DefaultProduceTopic(os.Args[2]))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	lines := bufio.NewScanner(os.Stdin)
	var records []*kgo.Record
	for lines.Scan() {
		key, event, _ := bytes.Cut(bytes.Clone(lines.Bytes()), []byte("\t"))
		records = append(records, &kgo.Record{Key: key, Value: event})
	}
	if err := client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		log.Fatal(err)
	}
}
