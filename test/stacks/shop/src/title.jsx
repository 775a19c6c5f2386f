export const Title = () => <h1>Shop</h1>;
