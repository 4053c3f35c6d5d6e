<?php

declare(strict_types=1);

namespace App\DingTalk;

use DingTalk\Api\ImApi;
use GuzzleHttp\Client;
use GuzzleHttp\Promise\Create;
use GuzzleHttp\Psr7\DroppingStream;
use GuzzleHttp\Psr7\Request;
use GuzzleHttp\Psr7\Response;
use GuzzleHttp\Psr7\Uri;
use GuzzleHttp\Psr7\Utils;
use Psr\Http\Client\ClientExceptionInterface;
use Psr\Http\Client\ClientInterface;
use Psr\Http\Message\RequestInterface;
use Psr\Http\Message\ResponseInterface;
use Psr\SimpleCache\CacheInterface;

/** A client for DingTalk on top of generated ones: one token, one request on the wire for each attempt, and repeats where the
 * contract allows them. PHP does one thing at a time: a renewal of the token may take a second. */
final class DingTalkClient
{
    private const ATTEMPTS = 3;
    private const LARGEST = 1 << 24; // bytes of an answer
    private const RENEWAL = 1; // seconds that a renewal may take while the old token is valid: PHP waits for it
    private const MAX_WAIT = 60; // seconds; whoever is to wait longer gives up
    private const RENEW = 600; // seconds before a token's end, or a fifth of its time
    private const PAUSE = 30; // seconds until a renewal that failed is tried again
    private const DAY = 86400, UNKNOWN = 5; // seconds that a token is kept: at most, and without a usable lifetime
    private const PRIVATE = '~^(https://[^/?#@]+|http://(localhost|127(\.\d+){3}|\[::1])(:\d+)?)(/|$)~D'; // requests carry secrets

    /** For generated clients, in call: it sends to the address of this client, whatever host the contract names. */
    public readonly Client $http;
    private readonly Client $guzzle;
    private readonly string $url;
    private readonly \Closure $credentials; // which no dump shows
    private array $codes = [];
    private array $token = ['value' => '', 'renewAt' => 0, 'expires' => 0]; // by time()
    private string $sent = '';

    /**
     * @param array $codes the rows of codes.json
     * @param string|bool $ca a file of certificates to trust, true for the machine's
     * @param float $timeout seconds that a request may take, up to the last byte of its answer
     * @param ?ClientInterface $psr18 sends the requests in place of Guzzle, within limits of its own; it must neither repeat nor redirect
     * @param ?CacheInterface $cache has the token for all processes, and so for all requests of a site
     */
    public function __construct(
        string $url,
        string $appKey,
        #[\SensitiveParameter] string $appSecret,
        array $codes,
        string|bool $ca = true,
        private readonly float $timeout = 10,
        private readonly ?ClientInterface $psr18 = null,
        private readonly ?CacheInterface $cache = null,
    ) {
        preg_match(self::PRIVATE, $url) || throw new \InvalidArgumentException(preg_replace('~.*@~', '', $url) . ' is not https');
        $this->url = rtrim($url, '/');
        $this->credentials = fn (): string => json_encode(['appKey' => $appKey, 'appSecret' => $appSecret], JSON_THROW_ON_ERROR);
        // The token would go along with a redirect. libcurl sends again what was lost on a connection that it had used before; Guzzle
        // does what ended without an answer and without an error, up to twice.
        $this->guzzle = new Client(['verify' => $ca, 'allow_redirects' => false, 'http_errors' => false, '_curl_retries' => 2,
            'curl' => [CURLOPT_FRESH_CONNECT => true]]);
        $this->http = new Client(['handler' => fn (RequestInterface $request) => Create::promiseFor($this->wire($request))]);
        foreach ($codes as $row) {
            foreach ($row['operations'] ?? [''] as $operation) {
                foreach ([$row['code'], ...$row['aliases'] ?? []] as $name) {
                    $this->codes[$operation][strtolower($name)] = $row;
                }
            }
        }
    }

    public function __debugInfo(): array
    {
        return ['url' => $this->url];
    }

    public function openConversationId(string $chatId): string
    {
        in_array(trim($chatId), ['', '.', '..'], true) && throw new \InvalidArgumentException('not a chat id');
        return $this->call('chatIdToOpenConversationId', true, function (Client $http) use ($chatId): string {
            $id = (new ImApi($http))->chatIdToOpenConversationId($chatId)->getOpenConversationId() ?? '';
            return trim($id) !== '' ? $id : throw new DingTalkException('the answer has no id', 200);
        });
    }

    /**
     * Returns what $send returns, null included. It gets the HTTP client for a generated one. $safe says that a repeat does no harm
     * although the service may have processed the request: x-repeat in the contract.
     *
     * @template T
     * @param callable(Client): T $send
     * @return T
     */
    public function call(string $operation, bool $safe, callable $send): mixed
    {
        $rejected = '';
        for ($attempt = 1; ; $attempt++) {
            $sent = '';
            try {
                $sent = $this->currentToken();
                $sent !== $rejected || throw $error;
                $this->sent = $sent;
                return $send($this->http);
            } catch (DingTalkException $error) {
            } finally {
                $this->sent = '';
            }
            $row = $this->row($sent === '' ? 'getAccessToken' : $operation, $error);
            if ($sent !== '' && $rejected === '' && in_array($row['token'], ['drop', 'fetch'], true)) {
                $rejected = $sent;
                $this->token = ['value' => '', 'renewAt' => 0, 'expires' => 0];
                if (($this->cache?->get($this->key())['value'] ?? null) === $rejected) { // not what another process has fetched since
                    $this->cache->delete($this->key());
                }
                $attempt--;
                continue;
            }
            $processed = $sent !== '' && $row['kind'] !== 'throttled';
            $wait = max($row['waitSeconds'], $error->retryAfter);
            if (!$row['retry'] || $processed && !$safe || $wait > self::MAX_WAIT || $attempt === self::ATTEMPTS) {
                throw $error;
            }
            usleep((int) (1e6 * ($wait + 0.3 * 2 ** ($attempt - 1) * mt_rand() / mt_getrandmax())));
        }
    }

    /** What to do by the code: the operation's own row, the common one, or one that the status makes. */
    private function row(string $operation, DingTalkException $error): array
    {
        $status = $error->getCode();
        $code = strtolower($error->errorCode);
        return $this->codes[$operation][$code] ?? $this->codes[''][$code] ?? [
            'kind' => $status === 429 ? 'throttled' : '',
            'retry' => $status === 0 || $status === 429 || $status >= 500,
            'waitSeconds' => 0,
            'token' => $status === 401 ? 'drop' : 'keep',
        ];
    }

    /** One request to the address of this client, and the whole of a success. */
    private function wire(RequestInterface $request, float $limit = INF): ResponseInterface
    {
        $given = (string) $request->getUri();
        $path = str_starts_with($given, $this->url) ? substr($given, strlen($this->url)) : preg_replace('~^https?://[^/]*~', '', $given);
        $host = $this->url;
        if (!preg_match('~^/v\d~', $path)) { // the legacy API has a host of its own, and takes the token in the URL
            $host = preg_replace('~^https://api(?=\.dingtalk\.)~', 'https://oapi', $host);
            $path .= (str_contains($path, '?') ? '&' : '?') . 'access_token=' . rawurlencode($this->sent);
        } elseif ($this->sent !== '') {
            $request = $request->withHeader('x-acs-dingtalk-access-token', $this->sent);
        }
        $request = $request->withUri(new Uri($host . $path));
        $options = ['timeout' => min($limit, $this->timeout), 'sink' => new DroppingStream(Utils::streamFor(''), self::LARGEST)];
        try {
            $answer = $this->psr18 ? $this->psr18->sendRequest($request) : $this->guzzle->send($request, $options);
            $status = $answer->getStatusCode();
            $body = preg_replace('~^\xEF\xBB\xBF~', '', (string) $answer->getBody());
        } catch (ClientExceptionInterface | \RuntimeException $e) { // its text has the URL, which may hold the token
            throw new DingTalkException('no answer: ' . str_replace(rawurlencode($this->sent) ?: $path, '…', $e->getMessage()));
        }
        $json = json_decode($body, true);
        $fields = is_array($json) ? array_change_key_case($json) : [];
        if ($status < 200 || $status > 299 || (string) ($fields['errcode'] ?? 0) !== '0') {
            $fields += ['requestid' => $answer->getHeaderLine('x-acs-request-id')];
            throw new DingTalkException("HTTP $status without a result", $status, $fields, self::retryAfter($answer->getHeaderLine('Retry-After')));
        }
        $body === '' || json_last_error() === JSON_ERROR_NONE || throw new DingTalkException('the answer is no JSON', $status);
        return new Response($status, ['Content-Type' => 'application/json'], $body);
    }

    private static function retryAfter(string $value): float
    {
        $date = \DateTimeImmutable::createFromFormat(DATE_RFC1123, $value);
        return max(0, $date ? $date->getTimestamp() - time() : (int) $value);
    }

    private function currentToken(): string
    {
        if (microtime(true) >= min($this->token['renewAt'], $this->token['expires']) && $this->cache) {
            $this->token = $this->cache->get($this->key()) ?? $this->token; // what another process has fetched
        }
        $now = microtime(true);
        if ($now >= min($this->token['renewAt'], $this->token['expires'])) {
            $valid = $now < $this->token['expires'];
            $this->keep(['renewAt' => $now + self::PAUSE] + $this->token); // so that no other process renews it meanwhile
            try {
                $this->keep($this->fetch($valid ? self::RENEWAL : INF));
            } catch (DingTalkException $e) { // the old token serves until its end
                $valid || throw $e;
            }
        }
        return $this->token['value'];
    }

    private function fetch(float $limit): array
    {
        $now = microtime(true);
        $request = new Request('POST', $this->url . '/v1.0/oauth2/accessToken', ['Content-Type' => 'application/json'], ($this->credentials)());
        $fields = json_decode((string) $this->wire($request, $limit)->getBody(), true);
        $value = is_array($fields) ? $fields['accessToken'] ?? null : null;
        is_string($value) && preg_match('~^[!-\~]+$~D', $value) || throw new DingTalkException("the token call's answer has no token", 200);
        $lasts = $fields['expireIn'] ?? 0;
        $lasts = is_numeric($lasts) && $lasts >= 1 ? min((float) $lasts, self::DAY) : self::UNKNOWN;
        return ['value' => $value, 'renewAt' => $now + $lasts - min(self::RENEW, $lasts / 5), 'expires' => $now + $lasts];
    }

    private function keep(array $token): void
    {
        $this->token = $token;
        $this->cache?->set($this->key(), $token, (int) max(1, $token['expires'] - microtime(true)));
    }

    private function key(): string
    {
        return 'dingtalk-token.' . hash('sha256', $this->url . ($this->credentials)());
    }
}
