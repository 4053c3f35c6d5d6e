package main

import (
	"context"
	"flag"
	"fmt"
	"os"
)

func main() {
	var (
		out     = flag.String("out", "", "write the report to this file, and results.svg beside it")
		rounds  = flag.Int("rounds", 11, "rounds of each client at each level")
		calls   = flag.Int("calls", 1000, "calls of a round")
		serving = flag.Bool("serve", false, "be the server")
		victim  = flag.String("victim", "", "make one call with the client of this key, to -base")
		base    = flag.String("base", "", "where the victim calls")
		folder  = flag.String("certificate", "", "the folder of the server's certificate")
	)
	flag.Parse()
	ctx := context.Background()
	var err error
	switch {
	case *serving:
		err = serve(ctx, *folder, os.Stdin, os.Stdout)
	case *victim != "":
		err = suffer(ctx, *victim, *base)
	default:
		err = report(ctx, *out, *rounds, *calls)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
