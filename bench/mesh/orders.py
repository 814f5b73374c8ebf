#!/usr/bin/env python3
"""Paid orders a second through a gateway of the distributed mesh, with ghz: native gRPC, orders of one line over 200 options, paid
by card, each waited for until it is CONFIRMED. Writes a table.

    scripts/mesh start --instances 2
    bench/mesh/orders.py [--seconds 20] [--in-flight 1,16,64] [--folder target/mesh]
    scripts/mesh check && scripts/mesh stop

ghz is installed into target/tools unless it is there (needs Go). The load runs on the same machine, and so takes its share of it.
"""

import argparse
import datetime
import json
import os
import subprocess
import urllib.request
import uuid
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent.parent
GHZ = TREE / "target" / "tools" / "bin" / "ghz"
ITEMS = 10
OPTIONS_OF_AN_ITEM = 20
PRICE = {"currencyCode": "KRW", "minorUnits": "1000"}


def call(gateway, method, body, token=None):
    request = urllib.request.Request(f"{gateway}/bojagi.{method}", json.dumps(body).encode())
    request.add_header("content-type", "application/json")
    if token:
        request.add_header("authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def sign_in(gateway, accounts, role):
    email, password = next(line.split()[1:3] for line in accounts.splitlines() if line.startswith(role))
    answer = call(gateway, "user.v1.SessionService/SignIn", {"email": email, "password": password})
    return answer["tokens"]["accessToken"]


def put_on_sale(gateway, seller):
    """The ids of options of which there are more than will be bought."""
    name = f"Bench {uuid.uuid4()}"
    new = lambda: str(uuid.uuid4())
    store = call(gateway, "item.v1.StoreService/CreateStore", {"requestId": new(), "name": name}, seller)["store"]
    category = call(gateway, "item.v1.CatalogService/ListCategories", {})["categories"][0]
    options = [{"name": f"option {number}", "price": PRICE, "stock": "1000000"} for number in range(OPTIONS_OF_AN_ITEM)]
    of_store = {"storeId": store["storeId"], "categoryId": category["categoryId"], "options": options}
    on_sale = []
    for number in range(ITEMS):
        item = {**of_store, "requestId": new(), "name": f"{name} {number}"}
        answer = call(gateway, "item.v1.CatalogService/CreateItem", item, seller)
        on_sale += [option["optionId"] for option in answer["item"]["options"]]
    return on_sale


def order(option, card):
    return {
        "request_id": "{{newUUID}}",
        "lines": [{"option_id": option, "quantity": 1, "unit_price": {"currency_code": "KRW", "minor_units": 1000}}],
        "expected_discount": {"currency_code": "KRW"},
        "tender": {"payment_method_id": card},
        "delivery_address": {"recipient": "Kim", "phone": "010-1234-5678", "postal_code": "04524", "line1": "Sejong-daero 110"},
    }


def measure(gateway, token, orders, in_flight, seconds):
    # A method of the contract is found by reflection, which the gateway answers.
    command = [
        GHZ, "--insecure", "--call", "bojagi.order.v1.OrderService.PlaceOrder", "--metadata", json.dumps({"authorization": f"Bearer {token}"}),
        "--data", json.dumps(orders), "--concurrency", str(in_flight), "--connections", str(min(in_flight, 4)),
        "--duration", f"{seconds}s", "--duration-stop", "wait", "--timeout", "30s", "--format", "json", gateway.removeprefix("http://"),
    ]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    answered = report["statusCodeDistribution"]
    at = {part["percentage"]: part["latency"] / 1e6 for part in report["latencyDistribution"]}
    failed = report["count"] - answered.get("OK", 0)
    print(f"| {in_flight} | {answered.get('OK', 0) / (report['total'] / 1e9):.0f} | {at[50]:.1f} | {at[99]:.1f} | {failed} |", flush=True)


def turned_down(gateway, token, since):
    """Orders of the customer that were answered but not confirmed."""
    for state in ("FAILED", "CANCELLED"):
        asked = {"state": f"ORDER_STATE_{state}", "placed": {"startsAt": since}, "pageSize": 1}
        yield from call(gateway, "order.v1.OrderService/ListOrders", asked, token).get("orders", [])


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--seconds", type=int, default=20)
    flags.add_argument("--in-flight", default="1,16,64")
    flags.add_argument("--folder", type=Path, default=TREE / "target" / "mesh", help="where scripts/mesh has the mesh")
    flags = flags.parse_args()
    if not GHZ.exists():
        environment = {**os.environ, "GOBIN": str(GHZ.parent)}
        subprocess.run(["go", "install", "github.com/bojand/ghz/cmd/ghz@v0.93.0"], check=True, env=environment)
    processes = json.loads((flags.folder / "processes.json").read_text())
    gateway = next(f"http://127.0.0.1:{process['port']}" for process in processes if process["role"] == "gateway")
    accounts = (flags.folder / "data" / "demo-accounts.txt").read_text()
    customer = sign_in(gateway, accounts, "customer")
    card = call(gateway, "payment.v1.PaymentMethodService/ListPaymentMethods", {}, customer)["paymentMethods"][0]["id"]
    options = put_on_sale(gateway, sign_in(gateway, accounts, "seller"))
    orders = [order(option, card) for option in options]
    began = datetime.datetime.now(datetime.timezone.utc).isoformat()
    print("| in flight | orders/s | p50 ms | p99 ms | failed |\n|---|---|---|---|---|")
    for in_flight in flags.in_flight.split(","):
        measure(gateway, customer, orders, int(in_flight), flags.seconds)
    for unwanted in turned_down(gateway, customer, began):
        raise SystemExit(f"order {unwanted['id']} was not confirmed: {unwanted.get('failure')}")


if __name__ == "__main__":
    main()
