// What the page offers to the tests: a customer's few steps, with any of the clients. Everything goes in and out as plain values.

import { create } from "@bufbuild/protobuf";

import { CatalogService } from "../generated/bojagi/item/v1/catalog_service_pb";
import { OrderState } from "../generated/bojagi/order/v1/order_pb";
import { OrderService, PlaceOrderRequestSchema } from "../generated/bojagi/order/v1/order_service_pb";
import { PaymentMethodService } from "../generated/bojagi/payment/v1/payment_method_service_pb";
import { SessionService } from "../generated/bojagi/user/v1/session_service_pb";
import { CallError, type CallOptions, type Client } from "./client";
import { connectOverConnect, connectOverGrpcWeb } from "./connect_web";
import { grpcWebClient } from "./grpc_web";

const CLIENTS: Record<string, (gateway: string) => Client> = {
  "connect-web over gRPC-Web": connectOverGrpcWeb,
  "grpc-web in text": (gateway) => grpcWebClient(gateway, "text"),
  "grpc-web in binary": (gateway) => grpcWebClient(gateway, "binary"),
  "connect-web over Connect with JSON": (gateway) => connectOverConnect(gateway, false),
  "connect-web over Connect with protobuf": (gateway) => connectOverConnect(gateway, true),
};

/** What a call came to. */
type Outcome<T> = { answer: T } | { code: number; message: string; reason?: string; fields: string[] };

async function outcome<T>(call: Promise<T>): Promise<Outcome<T>> {
  try {
    return { answer: await call };
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    return { code: error.code, message: error.message, reason: error.reason, fields: error.fields };
  }
}

class Steps {
  private readonly client: Client;

  constructor(gateway: string, client: string) {
    this.client = CLIENTS[client](gateway);
  }

  signIn(email: string, password: string) {
    const request = { email, password, deviceName: "a browser" };
    return outcome(this.client.unary(SessionService.method.signIn, request).then((answer) => answer.tokens!.accessToken));
  }

  search(keyword: string) {
    const answer = this.client.unary(CatalogService.method.searchItems, { keyword, inStock: true });
    return outcome(answer.then(({ items }) => items.map((item) => item.name)));
  }

  getOrder(orderId: string, token?: string) {
    return outcome(this.client.unary(OrderService.method.getOrder, { orderId }, { token }).then(() => "found"));
  }

  /** Orders one piece of the first thing there is, and answers the order's id. */
  async placeOrder(token: string) {
    const { items } = await this.client.unary(CatalogService.method.searchItems, { inStock: true });
    const option = items.flatMap((item) => item.options).find((option) => option.available > 0n && !option.saleWindow)!;
    const methods = await this.client.unary(PaymentMethodService.method.listPaymentMethods, {}, { token });
    const request = create(PlaceOrderRequestSchema, {
      requestId: crypto.randomUUID(),
      lines: [{ optionId: option.optionId, quantity: 1n, unitPrice: option.price }],
      expectedDiscount: { currencyCode: option.price!.currencyCode },
      tender: { paymentMethodId: methods.paymentMethods[0].id },
      deliveryAddress: { recipient: "Kim", phone: "010-1234-5678", postalCode: "04524", line1: "Sejong-daero 110" },
    });
    return outcome(this.client.unary(OrderService.method.placeOrder, request, { token }).then(({ order }) => order!.id));
  }

  placeNothing(token: string) {
    const request = { requestId: "no UUID", lines: [] };
    return outcome(this.client.unary(OrderService.method.placeOrder, request, { token }).then(() => "placed"));
  }

  cancelOrder(orderId: string, token: string) {
    const request = { requestId: crypto.randomUUID(), orderId };
    return outcome(this.client.unary(OrderService.method.cancelOrder, request, { token }).then(() => "cancelled"));
  }

  /** Watches an order and tells each of its states to `seen`, until it is at rest. */
  watch(orderId: string, options: CallOptions, seen: (state: string) => void) {
    const messages = this.client.serverStream!(OrderService.method.watchOrder, { orderId }, options);
    const all = async () => {
      const states: string[] = [];
      for await (const { order } of messages) {
        states.push(OrderState[order!.state]);
        seen(OrderState[order!.state]);
      }
      return states;
    };
    return outcome(all());
  }

  /** The states of an order that is cancelled as soon as it is seen. */
  watchAndCancelOrder(orderId: string, token: string) {
    let cancelled: Promise<unknown> | undefined;
    return this.watch(orderId, { token }, () => (cancelled ??= this.cancelOrder(orderId, token)));
  }

  /** Looks at an order once and then goes away. */
  watchAndLeave(orderId: string, token: string) {
    const watching = new AbortController();
    return this.watch(orderId, { token, signal: watching.signal }, () => watching.abort());
  }
}

/** A call without any library. */
async function fetchJson(gateway: string, path: string, request: unknown, token?: string) {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(gateway + path, { method: "POST", headers, body: JSON.stringify(request) });
  return { status: answer.status, challenge: answer.headers.get("www-authenticate"), body: await answer.json() };
}

Object.assign(window, { Steps, fetchJson, clients: Object.keys(CLIENTS) });
