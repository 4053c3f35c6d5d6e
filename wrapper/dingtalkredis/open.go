package dingtalkredis

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Open makes a Redis client from a URL, for [New]. It sends nothing. The caller closes the client.
//
//	redis://USER:PASSWORD@HOST:6379/0           a single server; user, password, port and database may be left out
//	redis+cluster://HOST1:6379,HOST2:6379       a cluster, or redis://…?cluster=true
//	redis+sentinel://HOST1:26379,HOST2:26379/0?master_name=NAME
//	                                            what Sentinels watch; user and password are the servers', and
//	                                            sentinel_username and sentinel_password the Sentinels' own
//	unix:///PATH?db=0                           a Unix socket
//
// With rediss instead of redis, the connection uses TLS. In the query, ca_file names a PEM file of the authorities to
// trust instead of the system's; cert_file and key_file name a client certificate. The query also takes the options of
// [redis.ParseURL], [redis.ParseClusterURL] and [redis.ParseFailoverURL], such as read_timeout=1s.
//
// In user and password, percent-encode every character except A-Z a-z 0-9 - . _ ~. Open refuses an ambiguous URL, and
// names the form that works. No error repeats the URL, which may hold a password.
func Open(rawURL string) (redis.UniversalClient, error) {
	client, err := open(rawURL)
	if err != nil {
		return nil, fmt.Errorf("dingtalkredis: not a Redis URL that can be used: %w", err)
	}
	return client, nil
}

func open(rawURL string) (redis.UniversalClient, error) {
	p, err := parsePlace(rawURL)
	if err != nil {
		return nil, err
	}
	var secured *tls.Config
	if secured, err = p.certificates(); err != nil {
		return nil, err
	}
	switch p.kind {
	case "cluster":
		options, err := redis.ParseClusterURL(p.rest("addr"))
		if err != nil {
			return nil, refused(err)
		}
		options.TLSConfig = secured
		return redis.NewClusterClient(options), nil
	case "sentinel":
		own := [2]string{p.query.Get("sentinel_username"), p.query.Get("sentinel_password")}
		p.query.Del("sentinel_username")
		p.query.Del("sentinel_password")
		options, err := redis.ParseFailoverURL(p.rest("addr"))
		if err != nil {
			return nil, refused(err)
		}
		options.Username, options.Password = options.SentinelUsername, options.SentinelPassword
		options.SentinelUsername, options.SentinelPassword = own[0], own[1]
		options.TLSConfig, options.DialerRetries = secured, 1 // otherwise a name unknown to the Sentinels would look like an outage
		return redis.NewFailoverClient(options), nil
	default:
		options, err := redis.ParseURL(p.rest(""))
		if err != nil {
			return nil, refused(err)
		}
		options.TLSConfig = secured
		return redis.NewClient(options), nil
	}
}

// certificates loads the files named in the query.
func (p *place) certificates() (*tls.Config, error) {
	names := map[string]string{}
	for _, option := range []string{"ca_file", "cert_file", "key_file"} {
		if p.query.Has(option) {
			names[option] = p.query.Get(option)
			p.query.Del(option)
		}
	}
	if !p.tls {
		if len(names) > 0 {
			return nil, errors.New("ca_file, cert_file and key_file are for TLS: write rediss:// instead of redis://")
		}
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12} // the client verifies each host's name
	if name, given := names["ca_file"]; given {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(content) {
			return nil, errors.New("ca_file: the file holds no PEM certificate")
		}
	}
	certificate, key := names["cert_file"], names["key_file"]
	if (certificate == "") != (key == "") {
		return nil, errors.New("cert_file and key_file belong together")
	}
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("cert_file and key_file: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// refused is the Redis client's error for a URL, without text that may be part of a password.
func refused(err error) error {
	if _, list, found := strings.Cut(err.Error(), "unexpected option: "); found {
		names := strings.Split(list, ", ")
		for n := range names {
			names[n] = printable(names[n])
		}
		slices.Sort(names)
		return fmt.Errorf("unknown option %s", strings.Join(names, ", "))
	}
	return errors.New("the value of one of its options cannot be read")
}
