package term

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// Every calls while it is not stopped, and never afterwards.
func TestEvery(t *testing.T) {
	var out bytes.Buffer
	called := make(chan struct{}, 1000)
	stop := Every(time.Millisecond, func() { fmt.Fprint(&out, "x"); called <- struct{}{} })
	<-called
	<-called
	stop()
	n := out.Len()
	if n < 2 || n != len(called)+2 {
		t.Errorf("%d calls", n)
	}
}
