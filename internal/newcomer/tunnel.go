package newcomer

import (
	"io"
	"net"
	"net/http"
	"slices"
)

// Tunnel is a proxy for HTTPS that leads to one address, whichever of the hosts it is asked for, and to nothing else.
func Tunnel(address string, hosts ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, _ := net.SplitHostPort(r.Host); r.Method != http.MethodConnect || !slices.Contains(hosts, host) {
			http.Error(w, "there is no stand-in for "+r.Host, http.StatusBadGateway)
			return
		}
		to, err := new(net.Dialer).DialContext(r.Context(), "tcp", address)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer to.Close()
		from, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer from.Close()
		_, _ = io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			_, _ = io.Copy(to, buffered)
			to.Close()
		}()
		_, _ = io.Copy(from, to)
	})
}
